"""A network as a file that runs without bmnas, verified before it is put in place; trained weights into a network."""

from bmnas.compiler.export.forms import FORMS, Form, Outcome, compare_forms
from bmnas.compiler.export.subject import Subject, example_features
from bmnas.compiler.export.targets import TARGETS, Target
from bmnas.compiler.export.verify import TOLERANCE
from bmnas.compiler.export.weights import load_weights
from bmnas.compiler.export.write import Exported, export

__all__ = [
    "FORMS",
    "TARGETS",
    "TOLERANCE",
    "Exported",
    "Form",
    "Outcome",
    "Subject",
    "Target",
    "compare_forms",
    "example_features",
    "export",
    "load_weights",
]
