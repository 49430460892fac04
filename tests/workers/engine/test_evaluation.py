"""The loss on held-out text, where there is none to speak of."""

import numpy as np
import pytest
import torch

from playground.domain.kind import Data
from playground.jobs.clm import Params, kind
from tests.workers.engine.attempts import CORPUS_ID
from workers.engine import models
from workers.engine.evaluation import evaluate
from workers.engine.objectives import NotFinite


def test_weights_that_are_no_numbers_end_the_run() -> None:
    params = Params(corpus=CORPUS_ID, preset="200k", block_size=16, batch_size=2)
    model = models.build(params.shape(64), 0.0, None, 0, torch.device("cpu"))
    data, lengths = Data(np.arange(2000, dtype=np.uint16) % 64, 64), np.ones(64, dtype=np.int64)
    assert evaluate(model, kind, data, params, lengths, 3)["val_loss"] == pytest.approx(np.log(64), rel=0.1)
    with torch.no_grad():
        model.lm_head.weight.fill_(float("nan"))
    with pytest.raises(NotFinite, match=r"held-out loss of step 3 .* training ended there"):
        evaluate(model, kind, data, params, lengths, 3)
