"""The radio between devices and network servers, and the line behind it."""
