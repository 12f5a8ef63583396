"""One folder a vendor: connector, client, mapping, settings, simulator, samples. Vendors never see each other."""
