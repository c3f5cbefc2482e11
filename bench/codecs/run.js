// Runs a codec over frames as a network server does: decodeUplink, then JSON.stringify.
//
//   node bench/codecs/run.js CODEC FRAMES ROUNDS < frames
//
// Each line of standard input is "port hex". Prints one JSON line per round:
// {"frames": n, "seconds": with JSON.stringify, "decode_seconds": without, "check": characters}
"use strict";

const fs = require("fs");
const path = require("path");

const decodeUplink = require(path.resolve(process.argv[2]));
const frames = Number(process.argv[3]);
const rounds = Number(process.argv[4]);
const inputs = fs
  .readFileSync(0, "utf8")
  .trim()
  .split("\n")
  .map((line) => {
    const [port, hex] = line.split(" ");
    return { fPort: Number(port), bytes: Array.from(Buffer.from(hex, "hex")) };
  });

function seconds(work) {
  const begin = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - begin) / 1e9;
}

for (const input of inputs) {
  const answer = decodeUplink(input);
  if (answer.errors) {
    throw new Error(`${input.fPort} ${Buffer.from(input.bytes).toString("hex")}: ${answer.errors}`);
  }
}
// Round 0 warms up and is not printed.
for (let round = 0; round <= rounds; round++) {
  let check = 0;
  let kept = null;
  const decoding = seconds(() => {
    for (let i = 0; i < frames; i++) {
      kept = decodeUplink(inputs[i % inputs.length]);
    }
  });
  const all = seconds(() => {
    for (let i = 0; i < frames; i++) {
      check += JSON.stringify(decodeUplink(inputs[i % inputs.length])).length;
    }
  });
  if (round > 0 && kept) {
    console.log(JSON.stringify({ frames, seconds: all, decode_seconds: decoding, check }));
  }
}
