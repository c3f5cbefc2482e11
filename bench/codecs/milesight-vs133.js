// A plain JavaScript codec for Milesight VS133, written for the benchmark: records of
// channel and type, totals of lines, people in regions.
"use strict";

const IN = [0x03, 0x06, 0x09, 0x0c];
const OUT = [0x04, 0x07, 0x0a, 0x0d];
const PERIOD = [0x05, 0x08, 0x0b, 0x0e];

function decodeUplink(input) {
  const bytes = input.bytes;
  const u16 = (at) => (bytes[at + 1] << 8) | bytes[at];
  const u32 = (at) =>
    ((bytes[at + 3] << 24) | (bytes[at + 2] << 16) | (bytes[at + 1] << 8) | bytes[at]) >>> 0;
  const data = {};
  let i = 0;
  while (i < bytes.length) {
    const channel = bytes[i++];
    const type = bytes[i++];
    if (type === 0xd2 && IN.includes(channel)) {
      data[`line_${IN.indexOf(channel) + 1}_total_in`] = u32(i);
      i += 4;
    } else if (type === 0xd2 && OUT.includes(channel)) {
      data[`line_${OUT.indexOf(channel) + 1}_total_out`] = u32(i);
      i += 4;
    } else if (type === 0xcc && PERIOD.includes(channel)) {
      const line = PERIOD.indexOf(channel) + 1;
      data[`line_${line}_period_in`] = u16(i);
      data[`line_${line}_period_out`] = u16(i + 2);
      i += 4;
    } else if (channel === 0x0f && type === 0xe3) {
      for (let region = 0; region < 4; region++) {
        data[`region_${region + 1}_count`] = bytes[i + region];
      }
      i += 4;
    } else if (channel === 0x10 && type === 0xe4) {
      const region = bytes[i];
      data[`region_${region}_avg_dwell`] = u16(i + 1);
      data[`region_${region}_max_dwell`] = u16(i + 3);
      i += 5;
    } else {
      return { errors: ["unknown channel"] };
    }
  }
  return { data };
}

module.exports = decodeUplink;
