// A plain JavaScript codec for the Elsys family, written for the benchmark: records of a
// type byte, one switch.
"use strict";

function signed16(value) {
  return value & 0x8000 ? value - 0x10000 : value;
}

function signed8(value) {
  return value & 0x80 ? value - 0x100 : value;
}

function decodeUplink(input) {
  const bytes = input.bytes;
  const word = (at) => (bytes[at] << 8) | bytes[at + 1];
  const data = {};
  for (let i = 0; i < bytes.length; i++) {
    switch (bytes[i]) {
      case 0x01:
        data.temperature = signed16(word(i + 1)) / 10;
        i += 2;
        break;
      case 0x02:
        data.humidity = bytes[i + 1];
        i += 1;
        break;
      case 0x03:
        data.x = signed8(bytes[i + 1]);
        data.y = signed8(bytes[i + 2]);
        data.z = signed8(bytes[i + 3]);
        i += 3;
        break;
      case 0x04:
        data.light = word(i + 1);
        i += 2;
        break;
      case 0x05:
        data.motion = bytes[i + 1];
        i += 1;
        break;
      case 0x06:
        data.co2 = word(i + 1);
        i += 2;
        break;
      case 0x07:
        data.vdd = word(i + 1);
        i += 2;
        break;
      case 0x0a:
        data.pulse1 = word(i + 1);
        i += 2;
        break;
      case 0x0b:
        data.pulseAbs =
          (bytes[i + 1] << 24) | (bytes[i + 2] << 16) | (bytes[i + 3] << 8) | bytes[i + 4];
        i += 4;
        break;
      case 0x0c:
        data.externalTemperature = signed16(word(i + 1)) / 10;
        i += 2;
        break;
      case 0x11:
        data.occupancy = bytes[i + 1];
        i += 1;
        break;
      case 0x12:
        data.waterleak = bytes[i + 1];
        i += 1;
        break;
      case 0x15:
        data.soundPeak = bytes[i + 1];
        data.soundAvg = bytes[i + 2];
        i += 2;
        break;
      default:
        return { errors: ["unknown type"] };
    }
  }
  return { data };
}

module.exports = decodeUplink;
