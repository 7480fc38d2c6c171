"""Versions: what each names, sent and fetched, built again, compared, merged; repos begun and examined."""
