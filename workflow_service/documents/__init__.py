"""Documents (材料): what is in a file (`content`) and where its bytes are kept (`store`)."""
