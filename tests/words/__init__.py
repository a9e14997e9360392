"""That everybody reads the desk in their own language: what is said is found, marked and translated."""
