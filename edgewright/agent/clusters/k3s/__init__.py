"""k3s behind the same steps as kubeadm. Written from its documentation and tested against a stand-in: not proven."""
