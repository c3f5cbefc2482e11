"""What is done at a gateway or a sensor with a cable: nothing here knows a town or a network
server."""
