"""Where this checkout is; importing it puts the checkout's own sources before an installed package."""
import sys
from pathlib import Path

PYTHON = Path(__file__).resolve().parent.parent
ROOT = PYTHON.parent.parent
sys.path.insert(0, str(PYTHON / "src"))
