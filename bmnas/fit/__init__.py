"""How one network is trained, stopped, continued and scored; nothing of architecture search."""
