"""The task `emoji`: small pictures, and the words that describe them."""

from bmnas.tasks.emoji.task import EmojiTask

__all__ = ["EmojiTask"]
