"""From a genome to a directory that ``AutoModelForCausalLM.from_pretrained`` loads, and back."""
