"""What leadership should know of a run of reports: chosen and compared, computed nowhere anew."""
