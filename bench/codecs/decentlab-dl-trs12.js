// A plain JavaScript codec for Decentlab DL-TRS12, written for the benchmark from the
// field table: header, mask of groups, words.
"use strict";

function decodeUplink(input) {
  const bytes = input.bytes;
  if (bytes[0] !== 2) {
    return { errors: ["unknown protocol version"] };
  }
  const word = (at) => (bytes[at] << 8) | bytes[at + 1];
  const mask = word(3);
  const data = { protocol_version: bytes[0], device_id: word(1) };
  let at = 5;
  if (mask & 1) {
    const raw = word(at) / 10;
    const moisture = 0.000000002887 * raw ** 3 - 0.0000208 * raw ** 2 + 0.05276 * raw - 43.39;
    data.dielectric_permittivity = {
      displayName: "Dielectric permittivity",
      value: moisture ** 2,
    };
    data.volumetric_water_content = {
      displayName: "Volumetric water content",
      value: raw * 0.0003879 - 0.6956,
      unit: "m³⋅m⁻³",
    };
    data.soil_temperature = {
      displayName: "Soil temperature",
      value: (word(at + 2) - 32768) / 10,
      unit: "°C",
    };
    data.electrical_conductivity = {
      displayName: "Electrical conductivity",
      value: word(at + 4),
      unit: "µS⋅cm⁻¹",
    };
    at += 6;
  }
  if (mask & 2) {
    data.battery_voltage = { displayName: "Battery voltage", value: word(at) / 1000, unit: "V" };
  }
  return { data };
}

module.exports = decodeUplink;
