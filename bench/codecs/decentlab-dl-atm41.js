// A plain JavaScript codec for Decentlab DL-ATM41, written for the benchmark: a table of
// values per group and one loop over it, as codecs for this protocol are usually written.
"use strict";

const GROUPS = [
  [
    ["solar_radiation", "Solar radiation", "W⋅m⁻²", (x) => x - 32768],
    ["precipitation", "Precipitation", "mm", (x) => (x - 32768) / 1000],
    ["lightning_strike_count", "Lightning strike count", undefined, (x) => x - 32768],
    ["lightning_average_distance", "Lightning average distance", "km", (x) => x - 32768],
    ["wind_speed", "Wind speed", "m⋅s⁻¹", (x) => (x - 32768) / 100],
    ["wind_direction", "Wind direction", "°", (x) => (x - 32768) / 10],
    ["maximum_wind_speed", "Maximum wind speed", "m⋅s⁻¹", (x) => (x - 32768) / 100],
    ["air_temperature", "Air temperature", "°C", (x) => (x - 32768) / 10],
    ["vapor_pressure", "Vapor pressure", "kPa", (x) => (x - 32768) / 100],
    ["atmospheric_pressure", "Atmospheric pressure", "kPa", (x) => (x - 32768) / 100],
    ["relative_humidity", "Relative humidity", "%", (x) => (x - 32768) / 10],
    ["sensor_temperature_internal", "Sensor temperature (internal)", "°C", (x) => (x - 32768) / 10],
    ["x_orientation_angle", "X orientation angle", "°", (x) => (x - 32768) / 10],
    ["y_orientation_angle", "Y orientation angle", "°", (x) => (x - 32768) / 10],
    ["compass_heading", "Compass heading", "°", (x) => x - 32768],
    ["north_wind_speed", "North wind speed", "m⋅s⁻¹", (x) => (x - 32768) / 100],
    ["east_wind_speed", "East wind speed", "m⋅s⁻¹", (x) => (x - 32768) / 100],
  ],
  [["battery_voltage", "Battery voltage", "V", (x) => x / 1000]],
];

function decodeUplink(input) {
  const bytes = input.bytes;
  if (bytes[0] !== 2) {
    return { errors: ["unknown protocol version"] };
  }
  const word = (at) => (bytes[at] << 8) | bytes[at + 1];
  const data = { protocol_version: bytes[0], device_id: word(1) };
  let mask = word(3);
  let at = 5;
  for (const group of GROUPS) {
    if (mask & 1) {
      for (const [key, displayName, unit, convert] of group) {
        data[key] = { displayName, value: convert(word(at)), unit };
        at += 2;
      }
    }
    mask >>= 1;
  }
  return { data };
}

module.exports = decodeUplink;
