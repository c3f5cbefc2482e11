"""Payload encoders: the bytes five kinds of device send, one module per device type.

Written from the manufacturers' payload descriptions and on purpose without any knowledge of
the decoders, so that a mistake there cannot hide itself here. Every function raises
`UnencodableValue` for what the device could not send.
"""
