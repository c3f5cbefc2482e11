"""Payload encoders: the bytes five kinds of device send, one module per device type.

Written from the manufacturers' payload descriptions and on purpose without any knowledge of
the decoders, so that the encoder does not share a decoder's mistake. Every function raises
`UnencodableValue` for what the device could not send.
"""
