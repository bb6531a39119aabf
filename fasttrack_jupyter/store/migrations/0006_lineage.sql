-- Which instances show the outputs of earlier ones: few, and found at once when lineage asks who used something.

CREATE INDEX instances_standing_in ON instances (outputs_dir) WHERE attempts = 0 AND outputs_dir IS NOT NULL;
