"""The hypernet's forward and backward in few passes over memory, written out by hand.

What is recognised by its primitives is fused, whatever the operation is called; everything else is computed by its own
module. The plain hypernet computes the same and is what the tests compare with.
"""
