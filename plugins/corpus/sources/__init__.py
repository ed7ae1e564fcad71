"""The public corpora that `megaasr corpus fetch` knows, one file each; plugins of the kind `corpus_source`.

A third party's source imports the names below from here.
"""

from .base import Archive as Archive
from .base import Row as Row
from .base import Source as Source
from .base import first_below as first_below
from .base import folders_below as folders_below
