"""Why tests fail: probes of the model, causes by experiment, and patch drafts that never see a test item's words."""
