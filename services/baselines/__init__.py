"""The baselines that train for each concept, behind the same API as everything else."""
