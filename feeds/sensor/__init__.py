"""Sensors: readings and detections, by HTTP and by a plain XADD."""
