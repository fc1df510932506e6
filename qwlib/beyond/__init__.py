"""Physics past the paper, one module a chapter, and the witnesses of the solver."""
