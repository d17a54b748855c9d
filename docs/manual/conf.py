"""The manual: ``make manual``. Pages are MyST, their cells run as it is built."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from pygments.lexers.special import TextLexer  # noqa: E402
from sphinx.highlighting import lexers  # noqa: E402
from tables import write_tables  # noqa: E402

lexers["ein"] = TextLexer()

project = "eingrad"
version = release = metadata.version("eingrad")
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # of pages that are included from the folder above

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

html_theme = "furo"
html_title = f"eingrad {release}"
exclude_patterns = ["_build", "_tables"]
html_show_copyright = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
add_module_names = False
python_use_unqualified_type_names = True

write_tables(HERE / "_tables")
