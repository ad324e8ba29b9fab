"""Writes figures of trec_eval for random judgements and runs, as `figures.json` beside this file.

    python3 -m venv venv && venv/bin/pip install pytrec-eval-terrier==0.5.11
    venv/bin/python test/eval/trec-eval/make_fixtures.py

pytrec_eval compiles trec_eval itself (https://github.com/usnistgov/trec_eval). Judgements have grades -1 to 4 and queries for which
nothing was found; runs have ties, pages that are not judged, and scores that only differ beyond single precision.
"""

import json
import random
from pathlib import Path

import pytrec_eval

MEASURES = {
    "nDCG@5": "ndcg_cut_5",
    "nDCG@10": "ndcg_cut_10",
    "recall@5": "recall_5",
    "recall@100": "recall_100",
    "hit@1": "success_1",
    "hit@10": "success_10",
    "MRR": "recip_rank",
    "MAP": "map",
    "MAP@10": "map_cut_10",
}

random.seed(6)
documents = [f"d{number}" for number in range(60)]
judgements, run = {}, {}
for number in range(24):
    query = f"q{number}"
    grades = {document: random.choice([-1, 0, 0, 1, 1, 2, 3, 4]) for document in random.sample(documents, 12)}
    grades["d0"] = max(1, grades.get("d0", 1))
    judgements[query] = grades
    if number % 8 == 7:
        continue
    found = random.sample(documents, random.choice([3, 10, 40, 60]))
    run[query] = {document: random.choice([round(random.uniform(-2, 9), 1), random.uniform(0, 1), 3 + random.random() * 1e-8]) for document in found}

evaluator = pytrec_eval.RelevanceEvaluator(judgements, {"ndcg_cut.5,10", "recall.5,100", "success.1,10", "recip_rank", "map", "map_cut.10"})
results = evaluator.evaluate(run)
figures = {query: {name: result[measure] for name, measure in MEASURES.items()} for query, result in results.items()}
(Path(__file__).parent / "figures.json").write_text(json.dumps({"judgements": judgements, "run": run, "figures": figures}))
