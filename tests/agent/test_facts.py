        "/dev/nvme0n1p1 / ext4 rw 0 0\n/dev/nvme0n1p1 /etc/hosts ext4 rw 0 0\n/dev/dm-0 /var/lib/my\\040data xfs rw 0 0\n"
