"""Everything slow to import, imported once by the fork server, so that a child starts in milliseconds.

Nothing here may start a thread, touch a GPU or read a file of a user: all of it is inherited by every child.
"""

import torch
import transformers.models.gpt2.modeling_gpt2
import transformers.models.llama.modeling_llama

import workers.engine.child
import workers.engine.inspect
from playground.domain.registry import exhibits, kinds
from workers.engine.source import code

LOADED = (torch.__version__, transformers.__version__, workers.engine.child.main, workers.engine.inspect.main)

kinds()
exhibits()
code()  # of the files as they are loaded now, whatever becomes of them while a worker lives
