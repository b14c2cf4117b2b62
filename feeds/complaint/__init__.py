"""Complaints: what people tell the city, by hotline entry and public report, by XADD, and from recorded exports."""
