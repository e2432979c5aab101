"""Plays many agents over the real link, in a process of its own so that its CPU is not the hub's. Orders come as JSON lines on
standard input, answers go out as JSON lines; it ends when its input does. See __main__.py."""
