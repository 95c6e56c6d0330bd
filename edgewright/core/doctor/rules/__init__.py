"""The rules by subject: each takes facts and gives findings; healthy and unknown facts give none."""
