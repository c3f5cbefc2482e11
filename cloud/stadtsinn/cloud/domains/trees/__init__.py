"""Waters trees: what the soil says at a station becomes the watering list of a group of trees."""
