"""The I/O around the pure city: streams, the engine, the live channel, the archive, and what starts and keeps them."""
