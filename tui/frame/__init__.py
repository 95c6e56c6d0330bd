"""What screens share: base screen, lists, pager, help, export."""
