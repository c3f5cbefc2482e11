// A plain JavaScript codec for Milesight EM500-SMTC, written for the benchmark: records of
// channel and type, little endian.
"use strict";

function decodeUplink(input) {
  const bytes = input.bytes;
  const unsigned = (at) => (bytes[at + 1] << 8) | bytes[at];
  const signed = (at) => {
    const value = unsigned(at);
    return value > 0x7fff ? value - 0x10000 : value;
  };
  const data = {};
  let i = 0;
  while (i < bytes.length) {
    const channel = bytes[i++];
    const type = bytes[i++];
    if (channel === 0x01 && type === 0x75) {
      data.battery = bytes[i];
      i += 1;
    } else if (channel === 0x03 && type === 0x67) {
      data.temperature = signed(i) / 10;
      i += 2;
    } else if (channel === 0x04 && type === 0x68) {
      data.moisture = bytes[i] / 2;
      i += 1;
    } else if (channel === 0x04 && type === 0xca) {
      data.moisture = unsigned(i) / 100;
      i += 2;
    } else if (channel === 0x05 && type === 0x7f) {
      data.electricity = unsigned(i);
      i += 2;
    } else {
      return { errors: ["unknown channel"] };
    }
  }
  return { data };
}

module.exports = decodeUplink;
