from __future__ import annotations

import subprocess
import sys


def test_scikit_learn_is_imported_only_for_the_digits() -> None:
    code = "import sys, bmnas.tasks; bmnas.tasks.get_task('digits').features; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
