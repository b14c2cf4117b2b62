"""Patrols: the devices of teams in the field, over one WebSocket each: orders down, positions and feedback up."""
