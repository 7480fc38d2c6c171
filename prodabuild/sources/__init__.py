"""Where knowledge comes from: importers of structured vocabularies, as plain records of concepts and relations."""
