"""Detection: regions of a photo that may hold a known category. The only user of Ultralytics."""
