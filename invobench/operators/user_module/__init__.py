"""A layer of the user's own, named by its import path: counted by dispatch, without a formula."""
