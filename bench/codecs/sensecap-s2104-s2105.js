// A plain JavaScript codec for SenseCAP S2104 and S2105, written for the benchmark: records
// of 7 bytes, values of 32 bit in thousandths, a checksum that is not verified.
"use strict";

function decodeUplink(input) {
  const bytes = input.bytes;
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("").toUpperCase();
  const data = { valid: true, err: 0, payload: hex, messages: [] };
  for (let i = 0; i + 9 <= bytes.length; i += 7) {
    const id = (bytes[i + 2] << 8) | bytes[i + 1];
    if (id <= 4096) {
      return { errors: ["unknown record"] };
    }
    const value =
      (bytes[i + 6] << 24) | (bytes[i + 5] << 16) | (bytes[i + 4] << 8) | bytes[i + 3];
    data.messages.push({
      type: "report_telemetry",
      measurementId: id,
      measurementValue: value / 1000,
    });
  }
  return { data };
}

module.exports = decodeUplink;
