// A plain JavaScript codec for Dragino LSE01, written for the benchmark from the manual's
// field table.
"use strict";

function signed16(value) {
  return value & 0x8000 ? value - 0x10000 : value;
}

function decodeUplink(input) {
  const bytes = input.bytes;
  if (input.fPort !== 2) {
    return { errors: ["unknown FPort"] };
  }
  if (bytes.length !== 11) {
    return { errors: ["wrong length"] };
  }
  const moisture = (bytes[4] << 8) | bytes[5];
  let temperature = (bytes[6] << 8) | bytes[7];
  if (temperature & 0x8000) {
    temperature -= 0xffff;
  }
  return {
    data: {
      Bat: (((bytes[0] << 8) | bytes[1]) & 0x3fff) / 1000,
      TempC_DS18B20: (signed16((bytes[2] << 8) | bytes[3]) / 10).toFixed(1),
      water_SOIL: (moisture / 100).toFixed(2),
      temp_SOIL: (temperature / 100).toFixed(2),
      conduct_SOIL: (bytes[8] << 8) | bytes[9],
    },
  };
}

module.exports = decodeUplink;
