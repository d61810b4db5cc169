"""SHOW: tables, JSON, CSV, Markdown. No arithmetic beyond formatting."""
