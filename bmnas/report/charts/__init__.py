"""Charts as static SVG: they take their colours from the page, light or dark, say in words what they show, and are
small enough to be read on a phone. No library of charts embeds such, so these few are written here.
"""
