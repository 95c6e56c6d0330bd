"""`site network`: the network settings of a host over SSH, shown, changed, confirmed and taken back."""
