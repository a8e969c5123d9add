"""From symptom to proven cure."""
