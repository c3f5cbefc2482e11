// A straightforward JavaScript codec for Dragino LSE01, as a network server would run it:
// decodeUplink on a byte array, values as numbers and texts. Written for this benchmark from the
// manual's field table.
//
// node bench/codecs/lse01.js FRAMES ROUNDS   reads 11-byte frames from stdin, cycles through them
// and prints one JSON line per round: {"frames": n, "seconds": s, "check": total}
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

const fs = require("fs");
const frames = Number(process.argv[2]);
const rounds = Number(process.argv[3]);
const raw = fs.readFileSync(0);
const size = 11;
const inputs = [];
for (let at = 0; at + size <= raw.length; at += size) {
  inputs.push({ fPort: 2, bytes: Array.from(raw.subarray(at, at + size)) });
}
for (let round = 0; round <= rounds; round++) {
  let check = 0;
  const begin = process.hrtime.bigint();
  for (let i = 0; i < frames; i++) {
    check += decodeUplink(inputs[i % inputs.length]).data.conduct_SOIL;
  }
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  // Round 0 warms up and is not printed.
  if (round > 0) {
    console.log(JSON.stringify({ frames, seconds, check }));
  }
}
