"""A second implementation of STC/1 and of the STT wire format: slow, small, written from the specification alone."""
