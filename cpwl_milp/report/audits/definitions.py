"""What each number of the report means: shown on hover, and listed at its end."""

from __future__ import annotations

from collections.abc import Mapping

from cpwl_milp.storage.audit_rows import State

DEFINITIONS: Mapping[str, str] = {
    "model": "The name of the model in this audit: its path from the manifest's folder.",
    "sha256": "Hash of the model's bytes, external data included: equal hashes, equal models.",
    "inputs": "Length of the input vector, all inputs of the model joined.",
    "units": "Hidden units with a kink: the length of an activation pattern.",
    "layers": "Layers of the chain of affine maps and two-piece units that the model was read as.",
    "domain": "The set of inputs in which regions are counted.",
    "regions": "Proper activation regions: full-dimensional patterns of all hidden units (bit 1 "
    "iff z > 0) that meet the domain's interior. Exact, or a bracket [lower, upper].",
    "prefix": "Distinct patterns of layers 1 to l together, over all regions.",
    "own": "Distinct patterns of layer l alone, over all regions.",
    "linear-regions": "Connected unions of regions that share one affine map of the output.",
    "affine-maps": "Distinct affine maps of the output.",
    "upper-bound": "The least upper bound of the number of patterns of layers 1 to l by formula.",
    "bound": "A proven bound of the number of regions, by the formula that is named.",
    "log10": "Decimal logarithm.",
    "always-active": "Units whose pre-activation is above 0 on the whole domain.",
    "always-inactive": "Units whose pre-activation is at most 0 on the whole domain.",
    "unstable": "Units that bounds leave undecided: they may be either on the domain.",
    "engine": "The way in which regions were searched.",
    "agreement": "Largest difference to onnxruntime's output on random inputs.",
    "samples": "Rows of the data set.",
    "seen": "Distinct patterns that samples of the data set have.",
    "entropy": "Entropy of the pattern over the samples, in bits: plug-in estimate, and with the "
    "Miller-Madow correction.",
    "information": "Mutual information of pattern and label over the samples, in bits: plug-in "
    "estimate, and with the Miller-Madow correction.",
    "null": "What the plug-in estimate gives when labels are shuffled: its bias.",
    "reliable": "Whether there are enough samples a pattern for these numbers to be trusted.",
    "terms": "Distinct linear terms of the data points: affine maps that the network applies.",
    "accuracy": "Share of the data points whose largest output is their label.",
    "seconds": "Wall time of the job, the start of its process included.",
    "cpu-seconds": "Processor time of the job, the start of its process included.",
    "peak": "Largest resident memory of the job, in 10^6 bytes.",
    "state": "How a job ended. " + " ".join(f"{s.value}: {s.meaning}." for s in State),
}
