// A plain JavaScript codec for Barani MeteoHelix IoT Pro, written for the benchmark: fields
// read one after the other from a bit stream.
"use strict";

function decodeUplink(input) {
  const bytes = input.bytes;
  if (bytes.length !== 11) {
    return { errors: ["wrong length"] };
  }
  let position = 0;
  const bits = (count) => {
    let value = 0;
    for (let i = 0; i < count; i++) {
      value = value * 2 + ((bytes[position >> 3] >> (7 - (position & 7))) & 1);
      position++;
    }
    return value;
  };
  const round = (value, digits) => {
    const factor = 10 ** digits;
    return Math.round(value * factor) / factor;
  };
  const data = { "00A_device": "MeteoHelix IoT Pro" };
  data.msg_type = bits(2);
  data.battery = round(bits(5) * 0.05 + 3, 2);
  data.temperature = round(bits(11) * 0.1 - 100, 1);
  data.temp_min = round(data.temperature - bits(6) * 0.1, 1);
  data.temp_max = round(data.temperature + bits(6) * 0.1, 1);
  data.humidity = round(bits(9) * 0.2, 1);
  data.pressure = bits(14) * 5 + 50000;
  data.irradiation = bits(10) * 2;
  data.irr_max = data.irradiation + bits(9) * 2;
  data.rain_clicks = bits(8);
  data.time_interval = "NOT IMPLEMENTED";
  return { data };
}

module.exports = decodeUplink;
