"""What is done, one module a stage: plan what is missing, do it item by item, record, report."""
